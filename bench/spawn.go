package main

import (
	"fmt"
	"os/exec"
	"time"
)

// spawn measures what a wrapper adds to the run of /bin/true. The wrappers take
// turns, so that all see the same machine.
func (s suite) spawn() error {
	runs := 300 / s.scale
	fmt.Printf("Spawn and wait of /bin/true, %d runs each, ms\n", runs)
	peers := present([]peer{
		{"none", func(c ...string) []string { return c }},
		{"oom143", s.run},
		{"tini", func(c ...string) []string { return append([]string{"tini", "-s", "--"}, c...) }},
		{"dumb-init", func(c ...string) []string { return append([]string{"dumb-init"}, c...) }},
		{"time", func(c ...string) []string { return append([]string{"/usr/bin/time", "-o", "/dev/null"}, c...) }},
		{"gotestsum", func(c ...string) []string {
			return append([]string{"gotestsum", "--raw-command", "--"}, c...)
		}},
	})
	took := make([][]time.Duration, len(peers))
	for range runs {
		for i, p := range peers {
			argv := p.argv("/bin/true")
			cmd := exec.Command(argv[0], argv[1:]...)
			began := time.Now()
			err := cmd.Run()
			took[i] = append(took[i], time.Since(began))
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
		}
	}
	fmt.Printf("  %-12s %8s %8s %12s\n", "", "median", "p95", "over none")
	none := quantile(took[0], 0.5)
	for i, p := range peers {
		median := quantile(took[i], 0.5)
		fmt.Printf("  %-12s %8.2f %8.2f %12.2f\n", p.name, milliseconds(median),
			milliseconds(quantile(took[i], 0.95)), milliseconds(median-none))
	}
	return nil
}
