//go:build ignore

// The same calls for other systems, which tests may be compiled for.

package testing

func oom143Main(string)            {}
func oom143Start(*common, any)     {}
func oom143StartNamed(string, any) {}
func oom143Finish(*common, any)    {}
func oom143Event(string, *common)  {}
func oom143FinishNamed(string)     {}
