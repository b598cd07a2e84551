package runtime

// optional lists the operators that are not in the default set, with the package that a program imports to have them. An empty name stands for
// all operators of the domain.
var optional = map[[2]string]string{
	{"com.microsoft", ""}:                "ingot/ops/contrib",
	{"ai.onnx.ml", ""}:                   "ingot/ops/ml",
	{"ai.onnx.preview", ""}:              "ingot/ops/more",
	{"", "AffineGrid"}:                   "ingot/ops/more",
	{"", "Bernoulli"}:                    "ingot/ops/more",
	{"", "BitCast"}:                      "ingot/ops/more",
	{"", "CausalConvWithState"}:          "ingot/ops/more",
	{"", "CenterCropPad"}:                "ingot/ops/more",
	{"", "Col2Im"}:                       "ingot/ops/more",
	{"", "DeformConv"}:                   "ingot/ops/more",
	{"", "Det"}:                          "ingot/ops/more",
	{"", "GlobalLpPool"}:                 "ingot/ops/more",
	{"", "LinearAttention"}:              "ingot/ops/more",
	{"", "LpNormalization"}:              "ingot/ops/more",
	{"", "LpPool"}:                       "ingot/ops/more",
	{"", "MaxRoiPool"}:                   "ingot/ops/more",
	{"", "MaxUnpool"}:                    "ingot/ops/more",
	{"", "MeanVarianceNormalization"}:    "ingot/ops/more",
	{"", "MelWeightMatrix"}:              "ingot/ops/more",
	{"", "Multinomial"}:                  "ingot/ops/more",
	{"", "NegativeLogLikelihoodLoss"}:    "ingot/ops/more",
	{"", "ReverseSequence"}:              "ingot/ops/more",
	{"", "SoftmaxCrossEntropyLoss"}:      "ingot/ops/more",
	{"", "TensorScatter"}:                "ingot/ops/more",
	{"", "Unique"}:                       "ingot/ops/more",
	{"", "ConvInteger"}:                  "ingot/ops/more",
	{"", "LRN"}:                          "ingot/ops/more",
	{"", "QLinearConv"}:                  "ingot/ops/more",
	{"", "Affine"}:                       "ingot/ops/contrib",
	{"", "Crop"}:                         "ingot/ops/contrib",
	{"", "DynamicSlice"}:                 "ingot/ops/contrib",
	{"", "ImageScaler"}:                  "ingot/ops/contrib",
	{"", "ParametricSoftplus"}:           "ingot/ops/contrib",
	{"", "Scale"}:                        "ingot/ops/contrib",
	{"", "ScaledTanh"}:                   "ingot/ops/contrib",
	{"", "SimplifiedLayerNormalization"}: "ingot/ops/contrib",
	{"", "Attention"}:                    "ingot/ops/more",
	{"", "ImageDecoder"}:                 "ingot/ops/image",
	{"", "RegexFullMatch"}:               "ingot/ops/text",
	{"", "StringConcat"}:                 "ingot/ops/text",
	{"", "StringNormalizer"}:             "ingot/ops/text",
	{"", "StringSplit"}:                  "ingot/ops/text",
	{"", "TfIdfVectorizer"}:              "ingot/ops/text",
}

// whereFrom tells which package to import for an operator that wasn't found, "" when there is none.
func whereFrom(domain, name string) string {
	if pkg := optional[[2]string{domain, name}]; pkg != "" {
		return pkg
	}
	return optional[[2]string{domain, ""}]
}
