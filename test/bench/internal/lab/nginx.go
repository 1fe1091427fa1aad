package lab

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"github.com/tianjillm/tianjillm/test/bench/internal/child"
)

// nginxConfig is a reverse proxy that keeps its connections and passes events
// on at once. A body of 100 KB stays in memory.
const nginxConfig = `daemon off;
worker_processes 1;
%[1]spid %[2]s/nginx.pid;
error_log stderr crit;
events { worker_connections 8192; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path %[2]s/body;
  proxy_temp_path %[2]s/proxy;
  fastcgi_temp_path %[2]s/fastcgi;
  uwsgi_temp_path %[2]s/uwsgi;
  scgi_temp_path %[2]s/scgi;
  client_body_buffer_size 256k;
  client_max_body_size 1m;
  upstream vendor { server %[3]s; keepalive 2048; keepalive_requests 1000000000; }
  server {
    listen %[4]s;
    location / {
      proxy_pass http://vendor;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }
  }
}
`

// Nginx starts nginx, or returns nil when it is not installed.
func (l *Lab) Nginx(ctx context.Context) (*Target, error) {
	if l.opts.Nginx == "" {
		return nil, nil //nolint:nilnil // it is left out of the tables
	}
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(l.dir, "nginx-"+strconv.Itoa(l.count))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make directory: %w", err)
	}
	directive := ""
	if os.Geteuid() == 0 { // only root may change the user of its worker
		me, err := user.Current()
		if err != nil {
			return nil, fmt.Errorf("find our user: %w", err)
		}
		directive = "user " + me.Username + ";\n"
	}
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, nginxConfig, directive, dir, l.Direct().Addr, addr), 0o600); err != nil {
		return nil, fmt.Errorf("write configuration of nginx: %w", err)
	}
	p, err := l.start(ctx, child.Spec{Name: "nginx", Path: l.opts.Nginx, Args: []string{"-p", dir, "-e", "stderr", "-c", file}, Cores: l.measured})
	if err != nil {
		return nil, err
	}
	t := &Target{Name: NginxName, Addr: addr, Process: p}
	return t, l.awaitListener(ctx, t)
}
