package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/cpu"
)

// group adds up several runs of Go tests in one step.
type group struct{ result }

// add takes a run in; where tells it from the others.
func (g *group) add(where string, r result) {
	for i := range r.failures {
		r.failures[i].title = where + ": " + r.failures[i].title
	}
	g.counts = g.counts.add(r.counts)
	g.failures = append(g.failures, r.failures...)
	g.details = append(g.details, r.details...)
}

// leaveOut says what was not run; it counts as skipped.
func (g *group) leaveOut(why string) {
	g.skipped++
	g.notes = append(g.notes, "left out: "+why)
}

// computing are the packages whose results depend on the kernels and on how the
// compiler rounds.
var computing = []string{".", "internal/kernel", "ops", "runtime"}

// testTiers runs the tests of what computes again: once without assembly, and
// once compiled so that Go fuses x*y+z into one rounding, as it always does on
// arm64, riscv64 and s390x.
func testTiers(ctx context.Context, w *workspace) result {
	args := []string{"-count=1", "-timeout", "12m"} // the tier is read before the cache of test results watches the environment
	for _, dir := range computing {
		switch {
		case dir == ".":
			args = append(args, ".")
		case isDir(filepath.Join(w.root, dir)):
			args = append(args, "./"+dir+"/...")
		}
	}
	var g group
	g.add("INGOT_CPU=generic", w.goTest(ctx, ".", []string{"INGOT_CPU=generic"}, args...))
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA && cpu.X86.HasBMI1 && cpu.X86.HasBMI2 && cpu.X86.HasOSXSAVE {
		g.add("GOAMD64=v3", w.goTest(ctx, ".", []string{"GOAMD64=v3"}, args...))
	} else {
		g.leaveOut("GOAMD64=v3 needs a CPU with AVX2 and FMA")
	}
	return g.result
}

// portable are the packages whose tests depend on the size of int or the order
// of bytes.
var portable = []string{"./tensor/...", "./npy/...", "./loader/...", "./bridge/dense/..."}

// testPorts runs them where both are others: 386, which amd64 executes itself,
// and s390x under qemu's user mode.
func testPorts(ctx context.Context, w *workspace) result {
	var g group
	run := func(system string, args ...string) {
		args = append(append([]string{"-short", "-timeout", "10m"}, args...), portable...)
		g.add(system, w.goTest(ctx, ".", portEnv(system), args...))
	}
	if runtime.GOARCH == "amd64" && (runtime.GOOS == "linux" || runtime.GOOS == "windows") {
		run(runtime.GOOS + "/386")
	} else {
		g.leaveOut("the 32-bit tests need linux or windows on amd64")
	}
	if qemu := qemuFor("s390x"); qemu != "" {
		run("linux/s390x", "-exec", qemu)
	} else {
		g.leaveOut("the big-endian tests need qemu-s390x (on Debian: `apt install qemu-user`)")
	}
	return g.result
}

// qemuFor finds the user-mode emulator for an architecture; empty: there is none.
func qemuFor(arch string) string {
	if runtime.GOOS != "linux" {
		return ""
	}
	for _, name := range []string{"qemu-" + arch, "qemu-" + arch + "-static"} {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	return ""
}
