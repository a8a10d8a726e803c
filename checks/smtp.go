package checks

func smtpRules() []Rule { return nil }
