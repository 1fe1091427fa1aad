// Package config reads the settings of a process from flags and environment
// variables: the one way for every binary, so that they all spell their
// settings, their help and their errors alike.
//
// A flag "data-dir" has the twin TIANJI_DATA_DIR without being asked, and
// further names where another program already has one. The flag wins over
// TIANJI_DATA_DIR, that over the further names in their order, those over the
// default. An empty environment variable counts as unset, because that is what
// compose files and charts produce for a value that nobody gave.
//
// The package does not read the configuration file; it is the only one that
// reads the environment (Environment). It runs no goroutines.
package config
