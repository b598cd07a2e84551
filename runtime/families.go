package runtime

import (
	"strings"

	"ingot/ops"
)

// whereFrom tells which package to import for an operator that wasn't found, "" when there is none. What each package has stands in families,
// which is generated; one string for each package and domain, because the linker keeps it in every program.
func whereFrom(domain, name string) string {
	if strings.Contains(name, " ") {
		return ""
	}
	for _, f := range families {
		if f.domain == ops.NormalDomain(domain) && strings.Contains(f.ops, " "+name+" ") {
			return f.pkg
		}
	}
	return ""
}
