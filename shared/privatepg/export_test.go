package privatepg

// What the tests reach into: how binaries are chosen among folders, which on a
// real machine depends on what is installed.

func FirstOf(dirs []string) (Binaries, error) { return firstOf(dirs) }

func NewestFirst(folders []string) []string { return newestFirst(folders) }
