package standard_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// TestMoreIsWhole looks at the operators that are made on demand, by functions without parameters: More of their family calls each. All others add
// themselves to their family where they are declared.
func TestMoreIsWhole(t *testing.T) {
	err := filepath.WalkDir("..", func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() || d.Name() == "testdata" {
			return err
		}
		made, listed := map[string]token.Position{}, map[string]bool{}
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(set, name, nil, 0)
			if err != nil {
				return err
			}
			for _, d := range f.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok || fn.Recv != nil {
					continue
				}
				if fn.Name.Name == "More" {
					ast.Inspect(fn, func(n ast.Node) bool {
						if id, ok := n.(*ast.Ident); ok {
							listed[id.Name] = true
						}
						return true
					})
				} else if makesOp(fn) {
					made[fn.Name.Name] = set.Position(fn.Pos())
				}
			}
		}
		if listed["More"] {
			for name, pos := range made {
				if !listed[name] {
					t.Errorf("%s: More doesn't call %s", pos, name)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// makesOp reports whether a function has no parameters and returns an operator.
func makesOp(f *ast.FuncDecl) bool {
	if len(f.Type.Params.List) > 0 || f.Type.TypeParams != nil || f.Type.Results == nil || len(f.Type.Results.List) != 1 {
		return false
	}
	star, ok := f.Type.Results.List[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	sel, ok := star.X.(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "Op"
}
