package config

import (
	"os"
	"strings"
)

// EnvPrefix starts the environment twin of every flag.
const EnvPrefix = "TIANJI_"

// Lookup finds an environment variable, as os.LookupEnv does.
type Lookup = func(name string) (value string, ok bool)

// Environment returns the lookup of the process environment.
func Environment() Lookup { return os.LookupEnv }

// EnvName returns the environment twin of a flag: TIANJI_DATA_DIR for
// "data-dir".
func EnvName(flagName string) string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(flagName, "-", "_"))
}
