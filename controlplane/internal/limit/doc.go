// Package limit is what people may say about limits, and how it is stored and
// shown: the members that requests about keys, teams and users have alike, the
// columns they end in, the limits that data planes are told, and the settings
// of the config file that are about limits.
//
// It enforces nothing: data planes do. It reads and writes no tables and owns
// no goroutine.
package limit
