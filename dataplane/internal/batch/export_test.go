package batch

import "time"

// NewFilesWith is NewFiles with other bounds.
func NewFilesWith(b Bounds, turns int, patience, enough time.Duration) *Files {
	return newFiles(b, turns, patience, enough)
}
