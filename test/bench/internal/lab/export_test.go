package lab

// ParseEnv is for tests.
func ParseEnv(text string) ([]string, error) { return parseEnv(text) }

// Field is for tests.
func Field(line, name string) (string, bool) { return field(line, name) }

// ParseAllocated is for tests.
func ParseAllocated(text string) (Allocated, error) { return parseAllocated(text) }
