package cli

// The families of operators beyond the default set: the command line runs what it can.
import (
	_ "ingot/ops/all"
)
