//go:build race

package testlog

func init() { hostileLines = 100_000 }
