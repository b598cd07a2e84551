// Package arch holds no code: its test asserts which package may import which.
// The table stands in arch_test.go.
package arch
