package diagnose

import (
	"fmt"

	"github.com/org/oom143-action/internal/record"
)

// kernelOOM: the kernel killed a process of the command because the whole
// machine was out of memory.
func kernelOOM(v *view) *finding {
	k := v.decisive(KernelOOM)
	if k == nil {
		return nil
	}
	return v.killFinding(k, fmt.Sprintf("The kernel %s %s because %s", k.verb(), v.victimWords(k), v.ranOut(k)))
}

// ranOut says what ran out, with the machine's used memory where it was seen.
func (v *view) ranOut(k *kill) string {
	if k.constraint == record.NodeConstraint {
		return "the memory of its NUMA node or cpuset ran out"
	}
	available, known, tight := v.tight(k.at)
	if m := v.machine(); m >= 0 && known && tight {
		total := v.Levels[m].Limit
		return fmt.Sprintf("the machine ran out of memory (%s of %s in use)", size(total-min(total, available)), size(total))
	}
	return "the machine ran out of memory"
}
