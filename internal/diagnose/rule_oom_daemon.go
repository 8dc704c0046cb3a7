package diagnose

import "fmt"

// oomDaemon: a userspace OOM killer (earlyoom, systemd-oomd, nohang) killed a
// process of the command.
func oomDaemon(v *view) *finding {
	k := v.decisive(OOMDaemon)
	if k == nil {
		return nil
	}
	why := "because memory was running out"
	if available, known, _ := v.tight(k.at); known {
		why = fmt.Sprintf("because memory was running out (%s available)", size(available))
	}
	if k.stopped {
		return v.killFinding(k, fmt.Sprintf("%s stopped the run %s", k.daemon, why))
	}
	return v.killFinding(k, fmt.Sprintf("%s killed %s %s", k.daemon, v.victimWords(k), why))
}
