// Package privatepg runs a private PostgreSQL from the binaries installed on
// this machine: it finds them, makes a cluster once, starts it as a child
// process and stops it. The standalone mode and the test kit use it.
//
// It does not download PostgreSQL, migrate schemas, take backups or upgrade a
// cluster to another major version, and it needs no database driver. It works
// on Unix only, as root and as an ordinary user: PostgreSQL refuses to run as
// root, so then it runs as user postgres or nobody.
//
// A data directory belongs to one Cluster at a time, which a lock on the
// directory enforces. In it lie:
//
//	cluster/          PostgreSQL's own data directory
//	password          of the superuser, mode 0600; absent for ephemeral clusters
//	postgres.log      output of the server, started afresh each time; the last one is postgres.log.1
//	init-*/           a cluster in the making; leftovers are removed at the next start
//
// The goroutines belong to the Cluster and end with the child process;
// [Cluster.Stop] waits for them.
package privatepg
