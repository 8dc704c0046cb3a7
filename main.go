// Oom143 wraps a test command and explains why it died.
package main

import (
	"os"

	"github.com/org/oom143-action/internal/run"
)

func main() {
	os.Exit(run.Main(os.Args, run.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
