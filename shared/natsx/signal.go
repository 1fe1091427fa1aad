package natsx

import (
	"slices"
	"sync"
)

// Signal tells its listeners that a connection was made or made again.
// Everything that follows a subject has then missed an unknown part of it.
type Signal struct {
	mu        sync.Mutex
	listeners []func()
}

// Listen adds a listener, which must not block.
func (s *Signal) Listen(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners = append(s.listeners, f)
}

// Fire calls every listener.
func (s *Signal) Fire() {
	s.mu.Lock()
	listeners := slices.Clip(s.listeners)
	s.mu.Unlock()
	for _, f := range listeners {
		f()
	}
}
