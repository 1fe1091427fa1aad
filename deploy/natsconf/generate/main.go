// Command generate writes the NATS configurations of the compose deployment;
// 'make generate' runs it.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tianjillm/tianjillm/deploy/natsconf"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// servers is how many the compose file starts.
const servers = 3

func main() {
	dir := flag.String("dir", ".", "folder to write to")
	flag.Parse()
	if err := generate(*dir); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func generate(dir string) error {
	names, err := contract.NewNames(contract.DefaultPrefix)
	if err != nil {
		return err
	}
	for file, tls := range map[string]bool{"nats.conf": false, "nats-tls.conf": true} {
		b, err := natsconf.Render(natsconf.Options{Names: names, Servers: servers, TLS: tls})
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, file), b, 0o644); err != nil { //nolint:gosec // holds no secret, and the server's user reads it
			return fmt.Errorf("write configuration: %w", err)
		}
	}
	return nil
}
