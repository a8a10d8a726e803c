package checks

func tlsrptRules() []Rule { return nil }
