package price

import "errors"

// ReadTable parses the whole table.
func ReadTable() (map[string][]*Model, error) {
	t := New().table
	t.index.Do(t.split)
	all := map[string][]*Model{}
	var problems []error
	for _, s := range t.sections {
		models, _, err := s.read()
		all[s.id] = models
		problems = append(problems, err)
	}
	return all, errors.Join(problems...)
}

// Changes reports whether prices depend on the time.
func (r *Rate) Changes() bool { return len(r.periods) > 0 }
