// Package recurrent holds LSTM, GRU and RNN.
//
// The three share one kernel: the products of all inputs with the input weights are one matrix product, then each step multiplies the hidden
// state with the recurrent weights, which are packed once, and a cell (lstm.go, gru.go, rnn.go) turns the sums into the next state. The
// gates of a sequence lie side by side, so that an activation is one call for several of them.
package recurrent

import "ingot/ops"

// Ops are the operators of this family.
var Ops ops.Family
