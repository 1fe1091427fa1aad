// Command tianji-controlplane serves the management API and books usage.
package main

import (
	"os"

	"github.com/tianjillm/tianjillm/controlplane/app"
)

func main() { os.Exit(app.Main(os.Args[1:], os.Stdout, os.Stderr)) }
