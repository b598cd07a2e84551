package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"ingot/internal/kernel/cpu"
)

// version is that of the program; the linker sets it in releases, and module builds know it themselves.
var version = ""

// versionJSON is the result of ingot version.
type versionJSON struct {
	Schema   string `json:"schema"`
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Modified bool   `json:"modified"` // built from files that differ from the commit
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
	CPU      string `json:"cpu"` // tier of the kernels
	Threads  int    `json:"threads"`
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Show version, commit, Go and the processor's tier",
		Example: "  ingot version\n  ingot version --json",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			v := buildVersion()
			v.Schema = a.schema()
			if err := cpu.Err(); err != nil {
				a.warn("%v", err)
			}
			if a.json {
				return a.printJSON(v)
			}
			commit := v.Commit
			if commit == "" {
				commit = "commit unknown"
			}
			if v.Modified {
				commit += ", modified"
			}
			fmt.Fprintf(a.out, "ingot %s (%s) %s %s/%s, %s kernels, %s\n", v.Version, commit, v.Go, v.OS, v.Arch, v.CPU, plural(v.Threads, "thread"))
			return nil
		},
	}
}

// buildVersion reads what the build noted.
func buildVersion() *versionJSON {
	v := &versionJSON{Version: version, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, CPU: cpu.Current().String(), Threads: runtime.GOMAXPROCS(0)}
	if info, ok := debug.ReadBuildInfo(); ok {
		if v.Version == "" {
			v.Version = info.Main.Version
		}
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				v.Commit = s.Value[:min(12, len(s.Value))]
			case "vcs.modified":
				v.Modified = s.Value == "true"
			}
		}
	}
	if v.Version == "" {
		v.Version = "(devel)"
	}
	return v
}

// noArgs refuses arguments, in words.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("%s takes no arguments; got %q", cmd.CommandPath(), args[0])
	}
	return nil
}
