// Package pgtest gives tests a real PostgreSQL: a fresh, migrated database for
// each test, or a cluster of its own for a test that kills it.
//
// The databases live in one ephemeral cluster for each test process, started
// with the first [New] from the binaries installed on this machine (or those
// TIANJI_PG_BIN names), or on the server TIANJI_TEST_DATABASE_URL names. Tests
// fail where there is neither: none is skipped. It is for tests only.
//
// [Main] stops the cluster. In a package without it the cluster ends with the
// test process, on Linux, and the next process removes its directory.
package pgtest
