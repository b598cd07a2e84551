// Package safetensors reads and writes the safetensors format: a length, a JSON header that says where each tensor lies, and the bytes of all of
// them. [Parse] works on bytes in memory, a mapping say, and hands out views of them where alignment and byte order allow it; [Open]
// reads each tensor from its file when asked. What is written is what the reference implementation writes.
package safetensors
