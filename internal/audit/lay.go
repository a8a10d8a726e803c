package audit

import (
	"mxvet/internal/gather"
	"mxvet/internal/psl"
	"mxvet/internal/wire"
)

// Lay lays what is assumed over a Source, for somebody who asks about the domains
// without auditing them, and says what is assumed in all. As for an audit, a nil
// src is no network, and then the registries above are taken to have no DMARC
// record.
func (a Assumed) Lay(src wire.Source, suffixes *psl.List, domains ...string) (laid wire.Source, texts []string) {
	if src == nil {
		a = a.withoutRegistries(Targets(domains, gather.Options{}), suffixes)
	}
	for _, file := range a.laid().files() {
		texts = append(texts, "zone file "+file)
	}
	texts = append(texts, a.Texts...)
	for _, name := range a.presumed {
		texts = append(texts, "no record at "+name+", since nothing was asked")
	}
	return a.over(src), texts
}
