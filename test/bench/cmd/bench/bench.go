package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tianjillm/tianjillm/shared/config"
	"github.com/tianjillm/tianjillm/test/bench/internal/lab"
	"github.com/tianjillm/tianjillm/test/bench/internal/measure"
	"github.com/tianjillm/tianjillm/test/bench/internal/report"
)

// bench measures, prints the tables, and writes them when asked to.
func bench(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	o.measure.Progress = stderr
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find our own program: %w", err)
	}
	nginx := lab.FindNginx()
	machine := report.Describe(ctx, nginx, o.tianji)
	l, err := lab.New(ctx, lab.Options{
		Tianji: o.tianji, DataPlane: o.dataPlane, Self: self, Nginx: nginx, Pin: o.pin, Lookup: config.Environment(), Progress: stderr,
	})
	if err != nil {
		return err
	}
	defer l.Close(context.WithoutCancel(ctx))
	results, err := measure.Run(ctx, l, o.measure)
	if err != nil {
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		return err
	}
	text := report.Markdown(&results, &o.measure, machine)
	if _, err := io.WriteString(stdout, "\n"+text); err != nil {
		return fmt.Errorf("print results: %w", err)
	}
	if !o.write {
		return nil
	}
	return report.Update(o.document, text)
}
