// Package audit says what an entry of the audit trail is: who changed which
// object in which way, with what was there before and what was sent. It makes
// secrets unreadable and links entries by their hashes.
//
// Store.Tx writes entries, in the transaction of the change itself; package
// trail reads, archives and verifies them. This package does neither, and owns
// no goroutine.
package audit
