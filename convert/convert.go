// Package convert carries the conversion tool, the Python package ingot_convert of this folder, inside Go programs,
// so that the ingot command can run it without a checkout: it writes [Files] into a folder, installs requirements.txt
// into a virtual environment, and calls
//
//	python -m ingot_convert model.pt -o model.onnx
//
// with that folder as PYTHONPATH. README.md describes the options, exit codes, reports and progress events.
package convert

import "embed"

// Files holds ingot_convert/*.py and the pinned, hashed requirements.txt, by these names.
//
//go:embed ingot_convert/*.py requirements.txt
var Files embed.FS
