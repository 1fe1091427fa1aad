package health

import "sync"

// maxModels bounds the models that are remembered of one pattern: their names
// come from clients.
const maxModels = 512

// Registry holds the states of all deployments. It is safe for concurrent use.
type Registry struct {
	mu     sync.Mutex
	states map[string]*entry
}

type entry struct {
	state  *State
	models map[string]*State
}

// NewRegistry returns an empty registry.
func NewRegistry() *Registry { return &Registry{states: map[string]*entry{}} }

// State returns the state of a deployment, which is made when it is new.
func (r *Registry) State(id string) *State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.entry(id).state
}

func (r *Registry) entry(id string) *entry {
	e := r.states[id]
	if e == nil {
		e = &entry{state: newState(id, "", &Usage{})}
		r.states[id] = e
	}
	return e
}

// Model returns the state of one model of a deployment whose name is a
// pattern.
func (r *Registry) Model(id, model string) *State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.entry(id).model(model)
}

func (e *entry) model(name string) *State {
	if s := e.models[name]; s != nil {
		return s
	}
	if e.models == nil {
		e.models = map[string]*State{}
	}
	if len(e.models) >= maxModels {
		e.forget()
	}
	s := newState(e.state.ID, name, e.state.Usage)
	e.models[name] = s
	return s
}

// forget makes room: idle models first, any where all are busy. Whoever holds
// a forgotten state goes on with it; only a cooldown may be lost.
func (e *entry) forget() {
	for name, s := range e.models {
		if s.InFlight() == 0 && s.until.Load() == 0 {
			delete(e.models, name)
		}
		if len(e.models) < maxModels/2 {
			return
		}
	}
	for name := range e.models {
		if len(e.models) < maxModels {
			return
		}
		delete(e.models, name)
	}
}

// Find returns a known state, or nil; of a known pattern, it makes that of a
// model.
func (r *Registry) Find(id, model string) *State {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.states[id]
	switch {
	case e == nil:
		return nil
	case model != "":
		return e.model(model)
	}
	return e.state
}

// Keep forgets all deployments but those.
func (r *Registry) Keep(ids map[string]bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range r.states {
		if !ids[id] {
			delete(r.states, id)
		}
	}
}

// All appends every state to into.
func (r *Registry) All(into []*State) []*State {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.states {
		into = append(into, e.state)
		for _, m := range e.models {
			into = append(into, m)
		}
	}
	return into
}
