// Package contract declares everything that crosses between the planes:
// subjects, buckets, streams, record types and the permissions of each plane.
// Both planes import it and nothing here imports either; a change of a JSON
// shape must keep the golden files in testdata readable, because replicas of
// two versions run side by side during an upgrade.
//
// It holds data only: connecting, publishing and watching live elsewhere.
package contract

// SchemaVersion is written into every record as "v". A reader accepts its own
// version and older ones, and ignores fields it does not know.
const SchemaVersion = 1
