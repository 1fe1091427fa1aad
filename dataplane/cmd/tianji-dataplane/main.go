// Command tianji-dataplane serves LLM requests.
package main

import (
	"os"

	"github.com/tianjillm/tianjillm/dataplane/app"
)

func main() { os.Exit(app.Main(os.Args[1:], os.Stdout, os.Stderr)) }
