package trail

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Dir is an archive in a directory.
type Dir string

// Keep implements Archive. The file is complete or not there.
func (d Dir) Keep(_ context.Context, name string, lines []byte) error {
	path := filepath.Join(string(d), filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the archive's directory: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), strings.ReplaceAll(filepath.Base(path), ".", "-")+"-*.part")
	if err != nil {
		return fmt.Errorf("write the archive: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // it is gone when all went well
	if _, err = f.Write(lines); err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write the archive: %w", err)
	}
	return nil
}
