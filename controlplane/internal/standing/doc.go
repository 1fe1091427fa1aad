// Package standing shows how limits stand: what is used, what data planes have
// leased of them, and which of them do. It is for operators, and reads what data
// planes obey and count: records, counters, and what they say they hold. It
// changes nothing and owns no goroutine.
package standing
