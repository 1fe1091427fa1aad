package parts

// Read is for tests.
func Read(out string) ([]Result, error) { return (&table()[0]).read(out) }

// Benchmarks lists, for tests, the directories with the benchmarks in them.
func Benchmarks() map[string][]string {
	all := map[string][]string{}
	for _, p := range table() {
		for name := range p.titles {
			all[p.dir] = append(all[p.dir], name)
		}
	}
	return all
}
