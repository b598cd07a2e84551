package calls

import (
	"strconv"
	"strings"

	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

// template is how operands of an operator fit together that blind choice hardly ever makes fit.
type template struct {
	shapes []string
	attrs  map[string]string
}

// templates are written as shapes and, behind a semicolon, attributes. A dimension is a letter, which has the same size in all operands, a
// number, or a number of times a letter; "." is a scalar, "-" an absent operand, "=2,N" a vector with these elements, "'3" a scalar with this
// value. A shape may begin with a type, and end in "%N": its elements are numbers in [0,N).
var templates = map[string][]string{
	"AffineGrid":                {"N,2,3 =N,C,H,W", "N,3,4 =N,C,D,H,W"},
	"Attention":                 {"N,S,4H N,T,4H N,T,4V S,T ; q_num_heads=4 kv_num_heads=4", "N,4,S,H N,2,T,H N,2,T,V", "N,2,S,H N,2,T,H N,2,T,V - N,2,P,H N,2,P,V", "N,2,S,H N,2,T,H N,2,T,V S,T - - N"},
	"BatchNormalization":        {"N,C,H C C C C", "N,C,H,W C C C C ; training_mode=1"},
	"CausalConvWithState":       {"N,C,L C,1,3 C N,C,2", "N,C,L C,1,1 C N,C,0"},
	"Col2Im":                    {"N,2C,4 =2,3 =1,2", "N,C,L =L =1"},
	"Conv":                      {"N,C,H,W M,C,k,k M", "N,C,H M,C,k M", "N,2C,H,W 2M,C,1,k 2M ; group=2", "N,C,H,W C,1,3,3 C ; group=C pads=1,1,1,1 strides=2,1", "N,C,D,H,W M,C,k,1,2", "N,C,H,W M,C,3,3 M ; dilations=2,2 pads=2,2,2,2"},
	"ConvInteger":               {"N,C,H,W M,C,k,k . .", "N,C,H,W M,C,1,k . M ; pads=0,1,0,1"},
	"ConvTranspose":             {"N,C,H,W C,M,k,k M", "N,C,H C,M,3 M ; strides=2 output_padding=1", "N,2C,H,W 2C,M,2,2 2M ; group=2 pads=1,0,0,1", "N,C,H,W C,M,3,3 ; output_shape=8,9 strides=2,2"},
	"DeformConv":                {"N,C,H,W M,C,1,1 N,2,H,W M N,1,H,W", "N,C,H,W M,C,3,3 N,18,H,W M N,9,H,W ; pads=1,1,1,1"},
	"Einsum":                    {"I,J J,K ; equation=ij,jk->ik", "N,S,S ; equation=...ii->...i", "I,J,K I,J,K ; equation=abc,abc->", "I,J ; equation=ba", "I J ; equation=i,j"},
	"GRU":                       {"S,N,I 1,3H,I 1,3H,H 1,6H N 1,N,H ; hidden_size=H", "S,N,I 2,3H,I 2,3H,H 2,6H - 2,N,H ; hidden_size=H direction=bidirectional linear_before_reset=1"},
	"Gemm":                      {"S,K K,N N", "K,S K,N S,1 ; transA=1", "S,K N,K ; transB=1 alpha=2"},
	"GroupNormalization":        {"N,2C,H 2C 2C ; num_groups=2", "N,C,H,W C C ; num_groups=C"},
	"InstanceNormalization":     {"N,C,H C C", "N,C,H,W C C"},
	"LSTM":                      {"S,N,I 1,4H,I 1,4H,H 1,8H N 1,N,H 1,N,H 1,3H ; hidden_size=H", "S,N,I 2,4H,I 2,4H,H 2,8H - 2,N,H 2,N,H ; hidden_size=H direction=bidirectional", "N,S,I 1,4H,I 1,4H,H ; hidden_size=H layout=1 direction=reverse"},
	"LinearAttention":           {"N,S,4H N,S,2H N,S,2V N,2,H,V ; q_num_heads=4 kv_num_heads=2 update_rule=linear", "N,S,2H N,S,2H N,S,2V N,2,H,V N,S,2 N,S,2 ; q_num_heads=2 kv_num_heads=2 update_rule=gated_delta"},
	"LpPool":                    {"N,C,H,W ; kernel_shape=2,2", "N,C,H ; kernel_shape=3 pads=1,1"},
	"AveragePool":               {"N,C,H,W ; kernel_shape=2,2 ceil_mode=1", "N,C,H ; kernel_shape=3 pads=1,2 strides=2"},
	"MaxPool":                   {"N,C,H,W ; kernel_shape=2,2 strides=2,2 ceil_mode=1", "N,C,H,W ; kernel_shape=3,3 pads=1,1,1,1 dilations=1,2"},
	"MatMulInteger":             {"S,K K,N . .", "S,K K,N S N"},
	"MaxRoiPool":                {"N,C,H,W R,5%N ; pooled_shape=2,2", "N,C,H,W R,5%N ; pooled_shape=1,3 spatial_scale=0.5"},
	"MaxUnpool":                 {"N,C,H,W N,C,H,W ; kernel_shape=2,2 strides=2,2", "N,C,H,W N,C,H,W =N,C,9,9 ; kernel_shape=2,2"},
	"MelWeightMatrix":           {"'4 '16 '8000 float32:'0 float32:'4000"},
	"NegativeLogLikelihoodLoss": {"N,C,D N,D%C C", "N,C N%C C ; ignore_index=1"},
	"NonMaxSuppression":         {"N,S,4 N,C,S '3 '0 '0"},
	"OneHot":                    {"N,S '5 2", "N '3 2 ; axis=0"},
	"Pad":                       {"N,C =1,0,2,1", "H,W =1,-1,0,2 . =0,1", "C =2,3"},
	"QLinearConv":               {"N,C,H,W . . M,C,k,k . . . . M", "N,C,H,W . . M,C,k,k M M . . M"},
	"DequantizeLinear":          {"N,H . .", "N,C,H C C", "N,4,H N,2,H N,2,H ; block_size=2", "N,C C C ; axis=0"},
	"QuantizeLinear":            {"N,H . .", "N,C,H C C", "N,4,H N,2,H N,2,H ; block_size=2", "N,H . ; output_dtype=3"},
	"QLinearMatMul":             {"S,K . . K,N . . . .", "N,S,K . . N,K,N . . . ."},
	"RNN":                       {"S,N,I 1,H,I 1,H,H 1,2H N 1,N,H ; hidden_size=H", "S,N,I 2,H,I 2,H,H 2,2H ; hidden_size=H direction=bidirectional"},
	"Range":                     {"'1 '9 '2", "'5 '-5 '-3"},
	"Resize":                    {"N,C,H,W - float32:=1,1,2,2", "N,C,H,W - - =N,C,5,6", "H float32:2 - =7", "H,W - float32:=0.5 - ; axes=1", "N,C,H,W float32:=1,1,2,3", "N,C,H,W float32:=0,0,0,0,1,1,1,1 float32:=1,1,2,0.6"},
	"RoiAlign":                  {"N,C,H,W R,4 =0 ; output_height=2 output_width=3", "N,C,H,W 2,4 =0,0"},
	"RotaryEmbedding":           {"N,2,S,2H N,S,H N,S,H", "N,2,S,2H P,H P,H N,S", "N,S,4H N,S,H N,S,H ; num_heads=2", "N,2,S,8 N,S,2 N,S,2 ; rotary_embedding_dim=4"},
	"STFT":                      {"N,L,1 '1 F", "N,9 '2 4 '4 ; onesided=1", "N,9,2 '2 - '5"},
	"ScatterND":                 {"H,W K,1%H K,W", "H,H K,2%H K", "H,W K,1%H K,W ; reduction=add"},
	"GatherND":                  {"H,W K,1%H", "N,H,W N,K,1%H ; batch_dims=1", "H,H,W K,2%H"},
	"Gather":                    {"H,W K%H", "H,W K,2%W ; axis=-1", "H '0"},
	"GatherElements":            {"H,W K,W%H", "H,W,C H,W,k%C ; axis=2"},
	"Scatter":                   {"H,W 1,W%H 1,W", "H,W H,1%W H,1 ; axis=1"},
	"ScatterElements":           {"H,W 1,W%H 1,W", "H,W H,1%W H,1 ; axis=-1", "H,W 5,W%H 5,W ; reduction=add", "H,W 5,W%H 5,W ; reduction=max", "H,W 5,W%H 5,W ; reduction=mul"},
	"BlackmanWindow":            {"'N"},
	"HammingWindow":             {"'N", "'N ; periodic=0"},
	"HannWindow":                {"'N", "'N ; periodic=0"},
	"Crop":                      {"N,C,9,9 ; border=1,0,2,3", "N,C,H,W ; border=0,0,0,0 scale=1,1"},
	"DepthToSpace":              {"N,4C,H,W ; blocksize=2 mode=DCR", "N,9C,H,W ; blocksize=3 mode=CRD"},
	"SpaceToDepth":              {"N,C,2H,2W ; blocksize=2", "N,C,3H,3W ; blocksize=3"},
	"EyeLike":                   {"H,W", "H,W ; k=1", "H,W ; k=-2 dtype=6"},
	"ReverseSequence":           {"S,N,H N%S", "N,S,H N%S ; batch_axis=0 time_axis=1"},
	"Slice":                     {"H,W,C =0,1 =9,3", "H,W =1 =-1 =0", "H,W,C =-1,5 =-9,0 =0,2 =-1,-2"},
	"ConstantOfShape":           {"=N,H", "=N ; value=float16:3", "=0,H ; value=int64:3"},
	"Expand":                    {"N,1,W =N,H,W", "H =N,H", "W,1 =1"},
	"Tile":                      {"H,W =2,3", "H,W,C =1,0,2"},
	"Reshape":                   {"N,C,H =0,-1", "N,2C =N,2,C", "N,H =-1"},
	"Trilu":                     {"N,H,W", "H,W '1", "H,W '-1 ; upper=0"},
	"Squeeze":                   {"N,1,H =1", "1,H,1", "N,H,1 =-1"},
	"Unsqueeze":                 {"N,H =1", "N,H =0,-1", "H =0 ; axes=0,2"},
	"CenterCropPad":             {"H,W =N,C", "N,H,W =C ; axes=1"},
	"SoftmaxCrossEntropyLoss":   {"N,C,D N,D%C C", "N,C N%C C"},
	"TensorScatter":             {"N,2,S,H N,2,1,H N"},
	"TfIdfVectorizer":           {"int64:N ; mode=TFIDF min_gram_length=1 max_gram_length=2 max_skip_count=1 ngram_counts=0,2 ngram_indexes=0,1,2 pool_int64s=2,3,1,2"},
	"Concat":                    {"H,W N,W ; axis=0", "H,W H,N H,C ; axis=1"},
	"Split":                     {"2H,W =H,H", "2H,W ; axis=0", "W,3H ; axis=1 split=H,2H", "6 ; num_outputs=4"},
	"Upsample":                  {"N,C,H,W float32:=1,1,2,2 ; mode=linear", "N,C float32:=1,2.5"},
	"TopK":                      {"N,H =2", "N,H =1 ; axis=0", "H =H ; sorted=0"},
	"GridSample":                {"N,C,H,W N,h,w,2", "N,C,D,H,W N,d,h,w,3"},
	"DFT":                       {"N,L,1 '4", "N,L,2 'L '1 ; inverse=1", "N,L,1 - '1 ; onesided=1"},
	"Det":                       {"N,3,3", "S,S"},

	"com.microsoft.Attention":                       {"N,S,I I,12H 12H ; num_heads=4", "N,S,I I,12H 12H N 2,N,4,P,H ; num_heads=4 unidirectional=1", "N,S,I I,12H 12H N,S ; num_heads=4"},
	"com.microsoft.CropAndResize":                   {"N,C,H,W R,4 =0 =2,3", "N,C,H,W 2,4 =0,0 =3,2 ; mode=nearest"},
	"com.microsoft.DecoderMaskedMultiHeadAttention": {"N,1,4H N,1,4H N,1,4H ; num_heads=4", "N,1,4H N,1,4H N,1,4H - - N,4,8,H N,4,8,H '3 ; num_heads=4 past_present_share_buffer=1"},
	"com.microsoft.DynamicQuantizeLSTM":             {"S,N,I 1,I,4H 1,H,4H 1,8H N 1,N,H 1,N,H 1,3H 1 1 1 1 ; hidden_size=H", "S,N,I 2,I,4H 2,H,4H 2,8H - - - - 2 2 2 2 ; hidden_size=H direction=bidirectional"},
	"com.microsoft.GroupQueryAttention": {"N,1,8H N,1,4H N,1,4H N,2,4,2H N,2,4,2H N '3 ; num_heads=4 kv_num_heads=2", "N,S,8H N,S,4H N,S,4H - - N S ; num_heads=4 kv_num_heads=2",
		"N,S,8H N,S,4H N,S,4H - - N 'S 9,H 9,H ; num_heads=4 kv_num_heads=2 do_rotary=1", "N,S,16H - - - - N 'S ; num_heads=4 kv_num_heads=2"},
	"com.microsoft.AttnLSTM":                  {"S,N,4 1,4H,9 1,4H,H 1,8H - - - - 1,H,A 1,5,A 1,A N,T,5 ; hidden_size=H"},
	"com.microsoft.GatedDeltaNet":             {"6,2,8 6,2,8 6,4,6 =0,3,6 6,4 6,4 2,4,6,8 ; qk_l2_norm=1"},
	"com.microsoft.GatherBlockQuantized":      {"uint8:V,8 k%V V,2 ; bits=2 block_size=16", "uint8:V,16 k%V V,2 uint8:V,1 ; bits=4 block_size=16"},
	"com.microsoft.GatherPacked":              {"V,36 k%V ; K=64 packed_type=2"},
	"com.microsoft.MatMulFpQ4":                {"S,64 200 =64,5 ; blk_quant_type=0"},
	"com.microsoft.MaxpoolWithMask":           {"N,C,H 1,1,H ; kernel_shape=3 pads=1,1 strides=2", "N,C,H,W 1,1,H,W ; kernel_shape=2,2"},
	"com.microsoft.NGramHashMapping":          {"N,S%9 =31,57,101 =97,89,83,79 ; max_ngram_size=3 n_head_per_ngram=2 pad_id=0"},
	"com.microsoft.NGramRepeatBlock":          {"N,S%6 N,6 ; ngram_size=2"},
	"com.microsoft.RemovePadding":             {"N,S,H N%S"},
	"com.microsoft.Tokenizer":                 {"N ; separators=a,b mark=1 mincharnum=1 pad_value=x", "N,C ; tokenexp=[a-z]+ mark=0 mincharnum=2 pad_value=x"},
	"com.microsoft.VarlenCausalConvWithState": {"7,4 4,1,3 =0,1,5,7 4 3,4,4 ; dilation=2"},
	"com.microsoft.VarlenNGramHashMapping":    {"14%9 =31,57,101 =97,89,83,79 =0,1,5,14 ; max_ngram_size=3 n_head_per_ngram=2 pad_id=0"},
	"com.microsoft.MatMulBnb4":                {"S,32 16N 8 ; K=32 N=N block_size=16 quant_type=1", "S,16 8N N ; K=16 N=N block_size=16 quant_type=0"},
	"com.microsoft.MatMulNBits":               {"S,32 N,2,8 2N ; K=32 N=N bits=4 block_size=16", "S,32 N,1,32 N uint8:N ; K=32 N=N bits=8 block_size=32", "S,32 N,2,8 2N uint8:N - N ; K=32 N=N bits=4 block_size=16", "S,32 N,2,8 2N - =0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1 ; K=32 N=N bits=4 block_size=16"},
	"com.microsoft.MoE":                       {"R,H R,4 4,I,H 4,I 4,H,I 4,H ; k=2", "N,S,H R,2 2,I,H 2,I 2,H,I 2,H 2,I,H ; activation_type=silu"},
	"com.microsoft.QMoE":                      {"R,H R,4 4,I,H 4,I - 4,H,I 4,H ; k=2 expert_weight_bits=8", "R,2H R,2 2,2I,H 2,2I - 2,2H,I 2,2H ; expert_weight_bits=4"},
	"com.microsoft.MultiHeadAttention":        {"N,S,4H N,T,4H N,T,4V 8H N,T ; num_heads=4", "N,S,4H N,4,T,H N,4,T,H ; num_heads=4", "N,S,4H N,T,4H N,T,4H - - 1,4,S,T ; num_heads=4", "N,S,4,3,H ; num_heads=4", "N,S,4H N,S,4H N,S,4H 12H - - N,4,P,H N,4,P,H ; num_heads=4 unidirectional=1"},
	"com.microsoft.PackedAttention":           {"R,I I,12H 12H 2,3 =0,2,4 ; num_heads=4"},
	"com.microsoft.PackedMultiHeadAttention":  {"4,4H 4,4H 4,4H 12H 2,3 =0,2,4 ; num_heads=4", "R,4,3,H - - - 1,R =0,R ; num_heads=4"},
	"com.microsoft.RotaryEmbedding":           {"N,S,4H '0 9,H 9,H ; num_heads=2", "N,2,S,2H N,S 9,H 9,H", "N,S,8 =0 9,2 9,2 ; num_heads=2 rotary_embedding_dim=4"},
	"com.microsoft.WordConvEmbedding":         {"S,W C,1,2,E C V,E ; conv_window_size=2", "S,5 C,1,3,E C 9,E ; conv_window_size=3 char_embedding_size=E"},

	"ai.onnx.ml.OneHotEncoder":      {"int64:N,H%5 ; cats_int64s=1,2,3 zeros=1", "float32:N%4 ; cats_int64s=0,1,2,3"},
	"ai.onnx.ml.Imputer":            {"float32:N,2 ; imputed_value_floats=1,2 replaced_value_float=0", "int64:N,3 ; imputed_value_int64s=7 replaced_value_int64=1"},
	"ai.onnx.preview.FlexAttention": {"N,2,S,H N,2,T,H N,2,T,V"},
	"ai.onnx.ml.LabelEncoder":       {"int64:N ; keys_int64s=1,2 values_floats=1,2 default_float=1", "string:N ; keys_strings=a,b values_int64s=1,2", "float32:N ; keys_floats=0,1 values_strings=a,b", "string:N ; classes_strings=a,b,c", "int64:N ; classes_strings=a,b,c default_string=z"},
	"ai.onnx.ml.LinearClassifier":   {"N,2 ; coefficients=1,2,3,4 intercepts=0,1 classlabels_ints=5,6", "N,2 ; coefficients=1,2 intercepts=0 classlabels_strings=a,b post_transform=LOGISTIC"},
	"ai.onnx.ml.LinearRegressor":    {"N,2 ; coefficients=1,2,3,4 intercepts=0,1 targets=2"},
	"ai.onnx.ml.SVMClassifier": {"N,2 ; classlabels_ints=0,1 coefficients=1,-1 kernel_params=1,0,3 kernel_type=RBF rho=0 support_vectors=1,2,3,4 vectors_per_class=1,1",
		"N,2 ; classlabels_ints=0,1,2 coefficients=1,-1,1,2,2,1 kernel_params=1,0,3 kernel_type=POLY rho=0,1,2 support_vectors=1,2,3,4,5,6 vectors_per_class=1,1,1 prob_a=1,1,1 prob_b=0,0,0"},
	"ai.onnx.ml.SVMRegressor": {"N,2 ; coefficients=1,2 kernel_params=1,0,3 n_supports=2 rho=0 support_vectors=1,2,3,4", "N,2 ; coefficients=1,2 rho=0 kernel_type=LINEAR"},
	"ai.onnx.ml.TreeEnsemble": {"N,2 ; n_targets=1 nodes_featureids=0 nodes_modes=uint8:0 nodes_splits=1 nodes_truenodeids=0 nodes_trueleafs=1 nodes_falsenodeids=1 nodes_falseleafs=1 leaf_targetids=0,0 leaf_weights=1,2 tree_roots=0"},
	"ai.onnx.ml.TreeEnsembleRegressor": {"N,2 ; nodes_treeids=0,0,0 nodes_nodeids=0,1,2 nodes_featureids=0,0,0 nodes_modes=BRANCH_LEQ,LEAF,LEAF nodes_values=1,0,0 nodes_truenodeids=1,0,0 nodes_falsenodeids=2,0,0 " +
		"target_treeids=0,0 target_nodeids=1,2 target_ids=0,0 target_weights=1,2 n_targets=1"},
	"ai.onnx.ml.TreeEnsembleClassifier": {"N,2 ; nodes_treeids=0,0,0 nodes_nodeids=0,1,2 nodes_featureids=0,1,0 nodes_modes=BRANCH_LT,LEAF,LEAF nodes_values=1,0,0 nodes_truenodeids=1,0,0 nodes_falsenodeids=2,0,0 " +
		"class_treeids=0,0 class_nodeids=1,2 class_ids=0,1 class_weights=1,2 classlabels_int64s=4,5"},
	"ai.onnx.ml.ZipMap": {"N,2 ; classlabels_int64s=1,2", "2 ; classlabels_strings=a,b"},

	"ingot.BatchNormalizationNHWC": {"N,H,C C C C C"},
	"ingot.ConvNHWC":               {"N,H,W,C M,C,k,k M", "N,H,W,C C,1,3,3 C N,H,W,C ; group=C pads=1,1,1,1"},
	"ingot.ConvTransposeNHWC":      {"N,H,W,C C,M,k,k M", "N,H,C C,M,3 M ; strides=2"},
	"ingot.AveragePoolNHWC":        {"N,H,W,C ; kernel_shape=2,2", "N,H,W,C ; kernel_shape=3,3 pads=1,1,1,1 strides=2,2 count_include_pad=1"},
	"ingot.DepthToSpaceNHWC":       {"N,H,W,4C ; blocksize=2 mode=DCR", "N,H,W,9C ; blocksize=3 mode=CRD"},
	"ingot.SliceNHWC":              {"N,H,W,C =0,1 =9,3", "N,H,W,C =1 =-1 =2"},
	"ingot.SpaceToDepthNHWC":       {"N,2H,2W,C ; blocksize=2"},
	"ingot.MaxPoolNHWC":            {"N,H,W,C ; kernel_shape=2,2", "N,H,W,C ; kernel_shape=3,3 pads=1,1,1,1 strides=2,2"},
	"ingot.PadNHWC":                {"N,H,W,C =0,0,1,2,0,0,0,1", "N,H,W,C =0,1,0,0,0,1,2,0 . "},
	"ingot.ResizeNHWC":             {"N,H,W,C - float32:=1,2,2,1", "N,H,W,C - - =N,5,6,C"},
}

func parseTemplate(s string) template {
	shapes, attrs, _ := strings.Cut(s, " ; ")
	t := template{shapes: strings.Fields(shapes), attrs: map[string]string{}}
	for _, f := range strings.Fields(attrs) {
		name, value, _ := strings.Cut(f, "=")
		t.attrs[name] = value
	}
	return t
}

// size returns what a term of a template stands for: "3", "N" or "4H".
func (w *world) size(s string) float64 {
	k := strings.TrimLeft(s, "-.0123456789")
	factor, err := strconv.ParseFloat(s[:len(s)-len(k)], 64)
	if err != nil {
		factor = 1
	}
	if k == "" {
		return factor
	}
	n, ok := w.letters[k[0]]
	if !ok {
		n = pick(w.draw, 1, 1, 2, 2, 3, 3, 4, 5, 7, 8)
		if k[0] >= 'a' {
			n = pick(w.draw, 1, 2, 3)
		}
		if w.odds(12) {
			n = pick(w.draw, 0, 0, 16, 17)
		}
		w.letters[k[0]] = n
	}
	return factor * float64(n)
}

func (w *world) sizes(s string) []float64 {
	var out []float64
	for _, f := range strings.Split(s, ",") {
		n := w.size(f)
		if w.odds(60) && !w.tame {
			n = float64(w.integer())
		}
		out = append(out, n)
	}
	return out
}

// fromTemplate makes the operand that a template describes.
func (w *world) fromTemplate(v *ops.Version, p *ops.Param, s string, vars map[string]tensor.DType) tensor.Value {
	set := v.TypeSet(p.Type).Tensor
	if name, rest, ok := strings.Cut(s, ":"); ok {
		s = rest
		if dt, err := tensor.ParseDType(name); err == nil && set.Has(dt) {
			set = tensor.TypesOf(dt)
		}
	}
	if s == "-" || set == 0 {
		return nil
	}
	dt := w.dtype(set, p, vars)
	s, below, bounded := strings.Cut(s, "%")
	switch s[0] {
	case '.':
		return w.tensor(dt, nil)
	case '=', '\'':
		vals := w.sizes(s[1:])
		shape := []int{len(vals)}
		if s[0] == '\'' {
			shape = nil
		}
		t := w.tensor(dt, shape)
		num.Store64(t, 0, vals)
		return t
	}
	var shape []int
	for _, n := range w.sizes(s) {
		shape = append(shape, max(0, min(int(n), 256)))
	}
	t := w.tensor(dt, shape)
	if bounded && !dt.IsComplex() && dt != tensor.String {
		vals, n := make([]float64, t.Len()), max(1, int(w.size(below)))
		for i := range vals {
			vals[i] = float64(w.n(n))
		}
		num.Store64(t, 0, vals)
	}
	return t
}

// written makes the attribute that a template describes.
func (w *world) written(s *ops.AttrSchema, text string) *ops.Attr {
	a := &ops.Attr{Kind: s.Kind}
	switch s.Kind {
	case ops.AttrString:
		a.S = text
	case ops.AttrStrings:
		a.Strings = strings.Split(text, ",")
	case ops.AttrTensor:
		dt := tensor.Float32
		if name, rest, ok := strings.Cut(text, ":"); ok {
			text = rest
			dt, _ = tensor.ParseDType(name)
		}
		vals := w.sizes(text)
		a.T = w.tensor(dt, []int{len(vals)})
		num.Store64(a.T, 0, vals)
	default:
		for _, v := range w.sizes(text) {
			a.I, a.F = int64(v), float32(v)
			a.Ints, a.Floats = append(a.Ints, int64(v)), append(a.Floats, float32(v))
		}
	}
	return a
}
