//go:build !amd64

package vec

func fromHalfFast(_ []float32, _ []uint16) int { return 0 }

func toHalfFast(_ []uint16, _ []float32) int { return 0 }

func fromBrainFast(_ []float32, _ []uint16) int { return 0 }

func toBrainFast(_ []uint16, _ []float32) int { return 0 }

func dequantizeU8Fast(_ []float32, _ []uint8, _ float32, _ int32) int { return 0 }

func dequantizeI8Fast(_ []float32, _ []int8, _ float32, _ int32) int { return 0 }

func quantizeU8Fast(_ []uint8, _ []float32, _, _, _ float32, _ int32) int { return 0 }

func quantizeI8Fast(_ []int8, _ []float32, _, _, _ float32, _ int32) int { return 0 }
