//go:build !linux

package mem

// wantHugePages does nothing: other systems decide alone.
func wantHugePages([]byte) {}

// discard does nothing: elsewhere such advice isn't as dependable, or would lose data.
func discard([]byte) {}
