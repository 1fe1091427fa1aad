package report

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// Machine says where and with what the numbers were made.
type Machine struct {
	Date, CPU, System, Load string
	Cores                   int
	Go, Nginx, Tianji       string
}

// Describe looks at this machine and at the programs. What it can not find out
// stays empty.
func Describe(ctx context.Context, nginx, tianji string) Machine {
	m := Machine{
		Date: time.Now().UTC().Format(time.DateOnly), CPU: runtime.GOARCH, System: runtime.GOOS, Cores: runtime.NumCPU(), Go: runtime.Version(),
		Nginx: firstLine(ctx, nginx, "-v"), Tianji: firstLine(ctx, tianji, "version"),
	}
	if model, ok := after(read("/proc/cpuinfo"), "model name"); ok {
		m.CPU = model
	}
	if release := strings.TrimSpace(read("/proc/sys/kernel/osrelease")); release != "" {
		m.System = "Linux " + release
	}
	if fields := strings.Fields(read("/proc/loadavg")); len(fields) > 0 {
		m.Load = fields[0]
	}
	return m
}

func (m *Machine) write(b *strings.Builder) {
	fmt.Fprintf(b, "Measured on %s: %s, %d cores, %s, %s", m.Date, m.CPU, m.Cores, m.System, m.Go)
	if m.Nginx != "" {
		b.WriteString(", " + m.Nginx)
	}
	if m.Tianji != "" {
		b.WriteString(", TianjiLLM " + m.Tianji)
	}
	if m.Load != "" {
		fmt.Fprintf(b, "; load average at the start %s", m.Load)
	}
	b.WriteString(".\n")
}

func read(path string) string {
	b, err := os.ReadFile(path) //nolint:gosec // fixed paths of /proc
	if err != nil {
		return ""
	}
	return string(b)
}

// after finds "name : value" in lines.
func after(text, name string) (string, bool) {
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v), true
		}
	}
	return "", false
}

// firstLine runs a program that prints its version.
func firstLine(ctx context.Context, path string, args ...string) string {
	if path == "" {
		return ""
	}
	out, err := exec.CommandContext(ctx, path, args...).CombinedOutput() //nolint:gosec // programs the caller chose
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(out), "\n")
	line = strings.TrimPrefix(line, "nginx version: ")
	return strings.TrimSpace(line)
}
