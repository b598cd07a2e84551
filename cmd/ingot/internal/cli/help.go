package cli

import "github.com/spf13/cobra"

// helpTopics are commands without an action: cobra lists them as topics.
func helpTopics() []*cobra.Command {
	topic := func(name, short, long string) *cobra.Command {
		return &cobra.Command{Use: name, Short: short, Long: long}
	}
	return []*cobra.Command{
		topic("exit-codes", "What the exit codes mean", `Exit codes:

    0  done; everything as it should be
    1  something failed at run time: a node, the disk, memory
    2  usage: flags, names, types and shapes of inputs, no such file
    3  a comparison, a test or a baseline failed
    4  the model's file is damaged, contradicts the standard, or is no model
    5  the model is valid, but something in it isn't supported
  124  the time limit of --timeout has passed
  130  interrupted by Ctrl-C; no half-written file is left`),
		topic("environment", "Environment variables", `Environment variables:

  INGOT_CPU             tier of the kernels: generic, avx2, avx512, neon, neon+dot, neon+i8mm
  INGOT_DISABLE_PASSES  optimiser passes to leave out, separated by commas; all leaves out all
  INGOT_PYTHON          the Python interpreter for ingot convert, or to make its environment with
  INGOT_TORCH_INDEX     address of a package index with PyTorch for CPUs only, see ingot convert --help
  VIRTUAL_ENV           an active virtual environment; ingot convert uses it if it has PyTorch
  XDG_CACHE_HOME        (Linux) where converted models and environments are kept, in ingot/
  NO_COLOR              no colours
  CLICOLOR_FORCE        colours also where the output is no terminal
  CLICOLOR=0            no colours`),
		topic("inputs", "How inputs are given", `Inputs, for every command that runs a model:

  -i x=@a.npy               an array
  -i x=@b.npz               the array called x, or the only one; @b.npz:key chooses
  -i x=@t.safetensors:key   the same for safetensors
  -i x=@cat.png             a picture (PNG, JPEG, GIF, BMP, TIFF, WebP, JPEG 2000, PNM), prepared as the model's
                            metadata says, or --image 'x:rgb,224x224,scale=1/255,mean=A/B/C,std=A/B/C'
  -i x=@input_0.pb          a value as the standard's test data has it
  -i x=@-                   an array or a picture from standard input
  -i x=1,2,3                numbers, in the input's element type and shape
  -i x=[[1,2],[3,4]]        numbers with a shape
  -i x="text"               a string; x='"a","b"' several
  -i x=rand                 random numbers, seeded by --seed: 0…1 for floating point, 0 and 1 for integers,
                            all values for bytes; --range x=0:10 sets another range
  -i x=zeros                zeros
  -i x=rand[1,3,224,224]    with a shape, where the model leaves it open (also zeros)
  -i @all.npz               every input by its name (also .safetensors)
  -i rand, -i zeros         every input that isn't given otherwise
  --data DIR                a folder of test data: input_0.pb …, or index.json

  -d batch=4                sets an open dimension; x.batch=4 that of one input, x.0=4 one without a name

Open dimensions are what files and numbers say, then what -d says, else 1, with a warning.`),
	}
}
