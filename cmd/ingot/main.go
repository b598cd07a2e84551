// Command ingot converts, runs, inspects, compares, tests and measures ONNX models.
//
//	ingot run model.onnx -i x=@picture.png
//	ingot help
//
// Everything it does is in package cli, as a function of arguments and streams.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"ingot/cmd/ingot/internal/cli"
	"ingot/internal/atomicfile"
)

// patience is how long a command may take to end by itself after Ctrl-C. What it was writing is removed then.
const patience = 5 * time.Second

func main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel(cli.ErrInterrupted)
		select {
		case <-signals: // the user is in a hurry
		case <-time.After(patience):
		}
		atomicfile.RemovePending()
		os.Exit(cli.ExitInterrupted)
	}()
	os.Exit(cli.Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv))
}
