package sym

import "testing"

func TestDim(t *testing.T) {
	n, m := Symbol("n"), Symbol("m")
	for _, c := range []struct {
		got  Dim
		want string
	}{
		{n.Add(Num(1)).Sub(n), "1"},
		{n.Mul(Num(2)).Add(m).Add(n), "m+3*n"},
		{n.Sub(m), "-m+n"},
		{m.Sub(n).Add(Num(3)), "m-n+3"},
		{n.Mul(Num(4)).Add(Num(5)).FloorDiv(Num(4)), "n+1"},
		{n.Add(Num(1)).FloorDiv(Num(2)), "((n+1)/2)"},
		{n.Mul(m).FloorDiv(m), "n"},
		{n.Mul(m).Mul(Num(6)).FloorDiv(n.Mul(Num(2))), "3*m"},
		{n.FloorDiv(n), "1"},
		{Num(7).FloorDiv(Num(-2)), "-4"},
		{Num(7).CeilDiv(Num(2)), "4"},
		{n.CeilDiv(Num(2)), "-(-n/2)"},
		{n.Min(n.Add(Num(2))), "n"},
		{n.Max(n.Add(Num(2))), "n+2"},
		{n.Max(m), "max(m,n)"},
		{m.Max(n), "max(m,n)"},
		{n.Add(m).Mul(n.Sub(m)), "-m*m+n*n"},
	} {
		if c.got.String() != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
	if big := Num(int64(1) << 62).Mul(Num(4)); big.Known() {
		t.Errorf("overflow gives %s", big)
	}
	if Unknown().Equal(Unknown()) {
		t.Error("two unknowns are equal")
	}
	if allocs := testing.AllocsPerRun(100, func() { sink = Num(3).Add(Num(4)).Mul(Num(5)).FloorDiv(Num(2)).Max(Num(1)) }); allocs != 0 {
		t.Errorf("numbers allocate %v", allocs)
	}
}

var sink Dim
