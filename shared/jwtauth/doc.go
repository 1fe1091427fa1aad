// Package jwtauth lets tokens of identity providers (JWT) be credentials, for
// both planes: it verifies them with the providers' public keys and reads who
// they are for out of their claims.
//
// It takes signatures by public keys only, so that nobody can sign with what a
// provider publishes, and fetches nothing that a token names. It does not know
// users, teams or keys; whoever calls it looks them up.
//
// An Authority owns one goroutine, which fetches key sets; Close ends it.
package jwtauth
