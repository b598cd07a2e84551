package proc

import (
	"os/exec"
	"strconv"
)

// group makes a cancelled command end with all its children; Windows has no
// signal that asks politely.
func group(cmd *exec.Cmd) (settle func()) {
	cmd.Cancel = func() error {
		kill(cmd)
		return nil
	}
	return func() {}
}

// kill ends the command and its children; a command that is gone already is no
// error.
func kill(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(cmd.Process.Pid)).Run()
		_ = cmd.Process.Kill()
	}
}
