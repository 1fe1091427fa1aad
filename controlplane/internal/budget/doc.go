// Package budget keeps what is booked and what data planes count of budgets in
// step. Data planes take money from counters on the bus; the ledger books in
// Postgres what was spent, which is the truth.
//
// A counter is never below what is booked: it is raised when a budget is made
// or changed (Opener), and from all that is booked when NATS lost its counters
// (Seed). What a data plane had taken when it was killed stays in the counter
// until it is quiet, and is then taken out (Reconciler). Past periods are
// purged.
//
// The running spend of a key, team, user and so on (Running) belongs to one
// period, and begins anew with the first booking of the next.
//
// The goroutine of a Reconciler is its caller's; the package owns none.
package budget
