//go:build unix

package proc

import (
	"os/exec"
	"syscall"
	"time"
)

// group puts the command into a process group of its own, so that a test
// binary that the go command started ends with it, and so that Ctrl-C reaches
// it only through us. The function that it returns has to be called once the
// command has ended: from then on the group's number may belong to others.
func group(cmd *exec.Cmd) (settle func()) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	insist := time.NewTimer(0)
	insist.Stop()
	ended := make(chan struct{})
	cmd.Cancel = func() error {
		insist.Reset(grace)
		return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
	}
	go func() {
		select {
		case <-insist.C:
			kill(cmd)
		case <-ended:
		}
	}()
	return func() { close(ended) }
}

// kill ends the whole group; a group that is gone already is no error.
func kill(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}
