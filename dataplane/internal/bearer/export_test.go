package bearer

// Memory is what remembers tokens.
type Memory struct{ *memory }

// NewMemory returns one of a size.
func NewMemory(size int) Memory { return Memory{newMemory(size)} }

// Put remembers a token until a time.
func (m Memory) Put(sum [32]byte, ends int64) { m.put(sum, &pass{ends: ends}) }

// Size is how many tokens are remembered.
func (m Memory) Size() int { return m.size() }
