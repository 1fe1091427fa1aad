// Package limits says what is limited: which numbers each key, team, model or
// deployment is held to, over which window, and under which name it is
// counted. Both planes use it: data planes to admit requests, the control plane
// to seed the counters of budgets and to show an operator what is used.
//
// It counts nothing itself and owns no goroutine; package quota of the data
// plane counts.
package limits
