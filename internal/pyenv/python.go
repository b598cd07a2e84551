// Package pyenv finds a Python interpreter and makes virtual environments from
// pinned requirement files, once for each content of such a file.
//
//	python, err := pyenv.Find(ctx, "")
//	env, err := pyenv.Ensure(ctx, pyenv.Spec{Python: python, Requirements: "convert/requirements-test.txt"})
//	// env.Python is the interpreter of the environment.
package pyenv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"ingot/internal/proc"
)

// Variable names the environment variable with which a user chooses the
// interpreter.
const Variable = "INGOT_PYTHON"

// MinMinor is the oldest Python 3 that the converter runs on.
const MinMinor = 10

// maxMinor is the newest Python 3 that is looked for by its own name.
const maxMinor = 15

// Python is an interpreter that was started and asked.
type Python struct {
	Path    string   `json:"path"`    // what sys.executable says
	Version [3]int   `json:"version"` // such as 3, 11, 7
	Missing []string `json:"missing"` // of the modules venv and ensurepip, those that it lacks
}

func (p Python) String() string {
	return fmt.Sprintf("Python %d.%d.%d (%s)", p.Version[0], p.Version[1], p.Version[2], p.Path)
}

// probe prints a Python as JSON. It runs on any Python 3, also on one too old.
const probe = `import importlib.util, json, sys
print(json.dumps({"path": sys.executable, "version": list(sys.version_info[:3]),
    "missing": [m for m in ("venv", "ensurepip") if importlib.util.find_spec(m) is None]}))`

// clean are the variables that make an interpreter look in places of another.
var clean = []string{"PYTHONPATH", "PYTHONHOME", "__PYVENV_LAUNCHER__"}

// candidates are the commands to try, the user's choice alone if there is one.
func candidates(chosen string) [][]string {
	if chosen != "" {
		return [][]string{{chosen}}
	}
	list := [][]string{{"python3"}}
	for minor := maxMinor; minor >= MinMinor; minor-- {
		list = append(list, []string{fmt.Sprintf("python3.%d", minor)})
	}
	list = append(list, []string{"python"})
	if runtime.GOOS == "windows" {
		list = append(list, []string{"py", "-3"})
	}
	return list
}

// Find returns an interpreter of Python 3.10 or newer that can make virtual
// environments: chosen if it is not empty, else the one that [Variable] names,
// else the first of python3, python3.15 … python3.10, python and, on Windows,
// py -3. Its error, a [*NotFoundError], says what was found and what to type.
func Find(ctx context.Context, chosen string) (Python, error) {
	if chosen == "" {
		chosen = os.Getenv(Variable)
	}
	missing := &NotFoundError{Chosen: chosen}
	for _, args := range candidates(chosen) {
		p, err := ask(ctx, args)
		if ctx.Err() != nil {
			return Python{}, ctx.Err()
		}
		var failure *proc.Error
		switch {
		case errors.As(err, &failure) && failure.Missing:
			missing.Absent = append(missing.Absent, strings.Join(args, " "))
		case err != nil:
			missing.Broken = append(missing.Broken, fmt.Sprintf("%s does not work: %v", strings.Join(args, " "), err))
		case p.Version[0] != 3 || p.Version[1] < MinMinor:
			missing.Old = append(missing.Old, p)
		case len(p.Missing) > 0:
			missing.Bare = append(missing.Bare, p)
		default:
			return p, nil
		}
	}
	return Python{}, missing
}

func ask(ctx context.Context, args []string) (Python, error) {
	var out strings.Builder
	args = append(args[:len(args):len(args)], "-c", probe)
	if _, err := proc.Run(ctx, proc.Command{Args: args, Unset: clean, Limit: time.Minute, Stdout: &out}); err != nil {
		return Python{}, err
	}
	var p Python
	if err := json.Unmarshal([]byte(out.String()), &p); err != nil {
		return Python{}, fmt.Errorf("it answered %q", out.String())
	}
	return p, nil
}

// NotFoundError says why no interpreter will do.
type NotFoundError struct {
	Chosen string   // what the user asked for; empty: any
	Absent []string // commands that do not exist
	Broken []string // commands that failed, with the reason
	Old    []Python // interpreters that are too old
	Bare   []Python // interpreters without venv or ensurepip
}

// Error names the nearest miss and the command that mends it.
func (e *NotFoundError) Error() string {
	var b strings.Builder
	switch {
	case len(e.Bare) > 0:
		p := e.Bare[0]
		fmt.Fprintf(&b, "%v lacks %s, which virtual environments need: %s", p, strings.Join(p.Missing, " and "), venvHint(p))
	case len(e.Old) > 0:
		fmt.Fprintf(&b, "%v is too old, Python 3.%d or newer is needed: %s", e.Old[0], MinMinor, pythonHint())
	case e.Chosen != "" && len(e.Absent) > 0:
		fmt.Fprintf(&b, "there is no Python at %s", e.Chosen)
	case len(e.Broken) > 0:
		b.WriteString(e.Broken[0])
	default:
		fmt.Fprintf(&b, "Python 3.%d or newer is needed and there is none on the PATH: %s", MinMinor, pythonHint())
	}
	if e.Chosen == "" {
		fmt.Fprintf(&b, "\n(or name an interpreter in %s)", Variable)
	}
	return b.String()
}

// managers are package managers, the first that exists being the machine's, with
// the commands that install Python and what its virtual environments need.
var managers = []struct{ file, python, venv string }{
	{"/usr/bin/apt", "sudo apt install python3 python3-venv", "sudo apt install python3-venv"},
	{"/usr/bin/dnf", "sudo dnf install python3", "sudo dnf install python3-pip"},
	{"/usr/bin/pacman", "sudo pacman -S python", "sudo pacman -S python"},
	{"/sbin/apk", "sudo apk add python3", "sudo apk add python3"},
	{"/usr/bin/zypper", "sudo zypper install python311", "sudo zypper install python311"},
	{"/opt/homebrew/bin/brew", "brew install python", "brew reinstall python"},
	{"/usr/local/bin/brew", "brew install python", "brew reinstall python"},
}

func pythonHint() string {
	for _, m := range managers {
		if _, err := os.Stat(m.file); err == nil {
			return "type `" + m.python + "`"
		}
	}
	if runtime.GOOS == "windows" {
		return "type `winget install Python.Python.3.13`"
	}
	return "install Python from python.org"
}

func venvHint(p Python) string {
	for _, m := range managers {
		if _, err := os.Stat(m.file); err != nil {
			continue
		}
		// Debian's package is bound to a version; the plain name is for the default one.
		if strings.HasPrefix(p.Path, "/usr/bin/python3.") {
			return "type `" + strings.Replace(m.venv, "python3-venv", fmt.Sprintf("python3.%d-venv", p.Version[1]), 1) + "`"
		}
		return "type `" + m.venv + "`"
	}
	return "install a complete Python from python.org"
}
