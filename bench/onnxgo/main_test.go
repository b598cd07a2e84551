package main

import (
	"testing"

	"github.com/owulveryck/onnx-go/backend/testbackend"

	"ingot/bridge/onnxgo"
)

// wrong are the registered tests that nothing can pass, or nothing that computes what ONNX says.
var wrong = map[string]string{}

func init() {
	for reason, titles := range map[string][]string{
		"an integer input of one element is registered as float32": {
			"TestModBroadcast", "TestTopK", "TestSliceEndOutOfBounds", "TestSliceNeg",
			"TestNonmaxsuppressionCenterPointBoxFormat", "TestNonmaxsuppressionFlippedCoordinates", "TestNonmaxsuppressionIdenticalBoxes",
			"TestNonmaxsuppressionLimitOutputSize", "TestNonmaxsuppressionSingleBox", "TestNonmaxsuppressionSuppressByIOU",
			"TestNonmaxsuppressionSuppressByIOUAndScores", "TestNonmaxsuppressionTwoBatches", "TestNonmaxsuppressionTwoClasses",
		},
		"a scalar is registered as a vector": {"TestSize", "TestSizeExample"},
		"1e-6 is less than the last bit of numbers of that size": {
			"TestPow", "TestReduceSumSquareDefaultAxesKeepdimsRandom", "TestReduceSumSquareDoNotKeepdimsRandom", "TestReduceSumSquareKeepdimsRandom",
		},
		"the expected numbers have four decimals": {"TestRoialign"},
	} {
		for _, title := range titles {
			wrong[title] = reason
		}
	}
}

// TestRegistered runs what onnx-go registers for its backends as it means it to be run.
func TestRegistered(t *testing.T) {
	tests := testbackend.GetAllRegisteredTests()
	if len(tests) != 348 {
		t.Fatalf("%d tests are registered", len(tests))
	}
	skipped := 0
	for _, constructor := range tests {
		tc := constructor()
		opset, err := opsetOf(tc)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(tc.GetInfo(), func(t *testing.T) {
			if reason := wrong[tc.Title]; reason != "" {
				if outcome(ways[1], tc) == nil {
					t.Errorf("passes, although %s", reason)
				}
				t.Skip(reason)
			}
			tc.RunTest(onnxgo.NewBackend(onnxgo.WithOpset(opset)), false)(t)
		})
		if tc.Skipped {
			skipped++ // the decoder or the backend says ErrNotImplemented
		}
	}
	if skipped > 1 {
		t.Errorf("%d tests aren't implemented, where it was one: Scan", skipped)
	}
}
